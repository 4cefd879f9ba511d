"""OAuth 2.0 and OpenID Connect: what a client keeps from redirect to refresh (RFC 6749, 7519, 7636)."""

import json
from base64 import urlsafe_b64encode

from bench.payloads.dice import URL_SAFE, Dice


def tokens(dice: Dice) -> dict[str, object]:
    """A token response, its claims, and the proof of the next authorization request."""
    claims = _claims(dice)
    return {
        "token_type": "Bearer",
        "access_token": _jwt(claims, dice),
        "refresh_token": dice.code(96, URL_SAFE),
        "expires_at": claims["exp"],
        "scope": ["openid", "profile", "email", "offline_access"],
        "id_token_claims": {**claims, "amr": ["pwd", "otp"]},
        "state": dice.code(43, URL_SAFE),
        "code_verifier": dice.code(64, URL_SAFE),
        "nonce": dice.raw(32),
        "dpop_key": dice.raw(32),
    }


def _claims(dice: Dice) -> dict[str, object]:
    issued = int(dice.moment().timestamp())
    return {
        "iss": "https://login.example.org/realms/main",
        "sub": dice.code(32),
        "aud": "shop-frontend",
        "iat": issued,
        "exp": issued + 3_600,
        "auth_time": issued - dice.between(10, 99),
        "sid": dice.code(32),
        "email": f"{dice.code(8)}@example.org",
        "email_verified": dice.flag(),
        "name": dice.title(),
    }


def _jwt(claims: dict[str, object], dice: Dice) -> str:
    """A token of the right form; its signature is noise, as it is to anyone without the key."""
    header = {"alg": "RS256", "typ": "at+jwt", "kid": dice.code(16)}
    return ".".join([_base64url(json.dumps(part).encode()) for part in (header, claims)] + [_base64url(dice.raw(256))])


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
