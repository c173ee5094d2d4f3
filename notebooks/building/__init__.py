"""The parts of course.py: the forms that a lesson takes, what a lesson measures, and the kernel that runs it."""
