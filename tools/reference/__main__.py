"""`python -m tools.reference`."""

from tools.reference.writing import main

main()
