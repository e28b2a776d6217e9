"""doctor: looks at the machine as the service would, and says of each thing what to do. It changes nothing: what it
writes to find out whether it may, never gets a name.
"""
