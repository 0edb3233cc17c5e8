"""What a training loop shares with its caller: whole and real numbers by their places, and its records."""

from enum import IntEnum


class Whole(IntEnum):
    """Places of whole numbers that the loop shares with its caller."""

    STEP = 0  # steps done
    LAST = 1  # steps to do in all
    EVERY = 2  # epochs from one record to the next
    STOP = 3  # 1: end after the step at hand, as interrupted; 2: end now, as stopped early
    STATUS = 4
    RECORDS = 5  # records written so far
    DRAINED = 6  # records that the caller has read
    ROOM = 7  # records that there is room for
    PATIENCE = 8  # epochs to wait for a better value, negative for ever
    BEST_STEP = 9
    WAITED = 10
    CURRENT = 11  # which of the two memories holds θ
    WATCHED = 12  # 1: the caller looks at each record and decides whether to stop
    FOLLOWED = 13  # the column of a record whose best value is kept, negative for none
    HIGHER = 14  # 1: a higher value is a better one
    KEEP = 15  # steps from one kept θ to the next, 0 for none
    KEPT = 16  # how many are kept
    AT_END = 17  # 1: what ended training was found by the look at θ after its last update
    THREADS = 18  # threads that share the work


class Real(IntEnum):
    """Places of real numbers that the loop shares with its caller."""

    SEEN = 0  # Σ of the loss over the samples of the epoch so far
    BEST = 1
    MIN_CHANGE = 2
    OBJECTIVE = 3  # of the last step
    SCALE = 4  # what the mean over an epoch's samples is multiplied with in a record: 1, or their number
    VALIDATION_SCALE = 5  # the same for the sum over the validation part


class Status(IntEnum):
    """Why the loop has returned."""

    RUNNING = 0
    COMPLETE = 1
    STOPPED = 2
    INTERRUPTED = 3
    DIVERGED = 4
    FULL = 5  # no room for another record
    WATCH = 6  # a record is there for the caller to look at


COLUMNS = ("step", "epoch", "loss", "objective", "validation_loss")
