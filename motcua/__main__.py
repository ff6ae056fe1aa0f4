"""`python -m motcua`."""

from motcua import main

if __name__ == "__main__":
    main()
