"""The specs that come with deltaplan, and their data: installed as `deltaplan.specs`."""
