"""What ends a deployment. Messages say what is wrong and what to do, in a line."""


class CannotDeploy(Exception):
    """Nothing was begun: the target, the release or the machine is not as it has to be."""


class RolledBack(Exception):
    """The new version was not good enough; the one before answers as it did."""
