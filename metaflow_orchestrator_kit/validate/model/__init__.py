"""A small abstract interpreter: what lists, strings and mappings of an extension can hold.

Nothing of the code under validation runs. Functions are followed with values that say what is
known (`Text`, lists, mappings), under which conditions (`Cond`), and what is not (`Unknown`).
"""
