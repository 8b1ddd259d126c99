"""What every command that takes a seed expects of it."""

from glad.errors import UserError


def check_seeds(*seeds: int) -> None:
    """Refuse a seed that no generator of random numbers takes."""
    for seed in seeds:
        if not 0 <= seed < 2**63:
            raise UserError(f"{seed} is no seed; give a whole number from 0 to 2^63 - 1")
