"""Schedules: functions from groups of steps to kernels, one set for each way to lay out memory."""
