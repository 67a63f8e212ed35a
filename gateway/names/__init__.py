"""The model of names: what it sees of a word, its network, and the spaCy pipeline around both.

Apart from the rest of detection, since training needs nothing but this.
"""
