"""Every argument and option of the commands, named once, by topic; a handler has a line for each.

The default stands in the handler, since commands differ in it.
"""
