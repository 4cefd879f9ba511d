"""Formats: bodies to trees and back. One file a format; `read` raises anything, `write` is sloppy at random."""
