"""The published conformance suite: what every contribution of every kind keeps, built-in or not.

    from deltaplan.testing.suite import check_file

    for report in check_file("mine.py"):
        assert report.passed, report

`deltaplan plugins check` prints it. pytest runs it with `--deltaplan mine.py`, or where the setting
`deltaplan_plugins` names files; nothing is imported for those who use neither.
"""
