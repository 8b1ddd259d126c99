"""The one kind of error a user is meant to read."""


class UserError(ValueError):
    """Something about the user's input is wrong; the message says which file, what was expected, what to do.

    The command line prints the message alone, without a traceback, and exits with status 2.
    """
