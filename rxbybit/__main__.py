"""``python -m rxbybit`` is the command ``rxbybit``."""

from rxbybit.cli import main

if __name__ == "__main__":
    main()
