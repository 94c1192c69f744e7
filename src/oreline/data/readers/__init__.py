"""File formats, one file each.

A reader may have, besides:

* `knows(path)`, where another one's suffix fits, too: whether a file is one of its own.
* `unpacks = True`: it opens files by `data.compressed.opened`, so that `.csv.gz` is read as `.csv` is. It raises
  `CutOffError` after the last good row of a file that breaks off.
* `one_row`: those of its suffixes whose files are one row each; a folder of them is one source.
* `schemes`, such as `("sql:",)`: texts that begin so are places that it reads; `frames` is given the text, and
  `name_of(text)` says what row ids call it, without secrets.
* `knows_folder(folder)`: whether it reads a folder as a whole; `splits(folder)`: the folder of each split.
* `splits_of(location)`: of a place that `schemes` name, the files of each split; its option `pattern` takes them.
* `hint(text, files)`: of a folder or an archive that was named without a reader, and whose files others read: what else
  it may be meant as, a sentence or nothing.
* `notes`: sentences on what was left out, once all is read.
"""
