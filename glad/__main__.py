"""`python -m glad`."""

from glad.cli import main

main()
