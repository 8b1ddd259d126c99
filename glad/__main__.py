"""`python -m glad`."""

from glad.cli import main

if __name__ == "__main__":
    main()
