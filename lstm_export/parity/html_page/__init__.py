"""A verification as one page for people: what was compared, how far apart it is, and why.

The page is one file that asks for nothing else: style and charts stand in it, and its own policy
forbids all fetching.
"""

from .document import Page, to_html

__all__ = ["Page", "to_html"]
