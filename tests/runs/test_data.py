"""The data of a run are read once, whoever asks for them."""

from dataclasses import replace

import pytest

from aas_plugin.data.catalogue import content_hashes, data_hash
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.code import code_hash
from aas_plugin.runs.data import RunData, read_data
from aas_plugin.runs.results import broken_off
from aas_plugin.runs.setting_up import set_up
from aas_plugin.settings.resolving import merge, resolve
from aas_plugin.testing.tiny import TINY


def test_files_are_read_once_and_the_readers_are_told_how_far_they_are(tmp_path, drawn):
    plugins = load_plugins(["aas_plugin.testing.backbone"])
    settings = resolve(plugins, [merge(TINY, {"dataset": {"path": str(drawn)}})])
    catalogue = read_data(plugins, settings).catalogue
    told = []
    data = RunData(catalogue, lambda done, total: told.append((done, total)))
    assert told == []
    # As `aas run --results` does it: look for a run that was broken off, then begin one.
    assert broken_off(tmp_path, settings, data, code_hash(plugins)) is None
    run = set_up(plugins, settings, tmp_path / "run", data=data)
    assert told == [(done + 1, len(catalogue)) for done in range(len(catalogue))]
    assert run.hashes == content_hashes(catalogue)
    assert run.data_hash == data_hash(catalogue, run.hashes)
    assert run.catalogue is catalogue
    assert run.train.tolist() == catalogue.rows_of("train").tolist()


def test_one_image_is_nothing_to_compare(drawn):
    plugins = load_plugins(["aas_plugin.testing.backbone"])
    catalogue = read_data(plugins, resolve(plugins, [merge(TINY, {"dataset": {"path": str(drawn)}})])).catalogue
    with pytest.raises(AasError, match="1 training images; at least 2"):
        RunData(replace(catalogue, table=catalogue.table.iloc[catalogue.rows_of("train")[:1]])).check_enough()
