"""Sessions that every process shares: the stored record, the session in a request, the managers and their stores."""
