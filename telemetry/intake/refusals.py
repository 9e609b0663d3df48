"""Why a request is not taken as a whole; sending the same again would not help."""


class Unreadable(ValueError):
    """`http_status` is what to answer it with."""

    http_status = 400


class Oversized(Unreadable):
    http_status = 413


class Unsupported(Unreadable):
    http_status = 415
