from deltaplan.plugins.api import Table, data_source


@data_source("broken", named=True)
def broken(path):
    """y = 1/x"""
    columns = {"x": [0], "y": [1 / 0]}
    return Table(columns, 1, str)
