"""`python -m deltaplan`: the command line of the interpreter at hand, where several have a deltaplan."""

from deltaplan.cli import main

if __name__ == "__main__":
    main()
