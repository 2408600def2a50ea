"""The pages that asv does not have, written beside its own by `asv publish`.

Each page is one file that asks for nothing else: its style is in it, its charts are drawn in it,
and it runs no script. So the pages work from a disk, under any address and with scripts off.
"""
