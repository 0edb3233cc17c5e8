"""Schedules: functions from groups of steps to kernels, one set for each way to lay out memory."""


class NoScheduleError(Exception):
    """A step that no schedule knows: it runs on the numpy backend."""
