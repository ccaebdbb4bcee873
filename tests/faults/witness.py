"""An oracle that is no machine: it answers from individuals, and keeps a journal of what it was asked."""

import os

from pydantic import BaseModel, ConfigDict

from aas_plugin.hookspecs import hookimpl

JOURNAL = "asked.txt"


class Options(BaseModel):
    """None."""

    model_config = ConfigDict(extra="forbid")


class Witness:
    """Writes each question down before it is answered, beside the runs."""

    def __init__(self, options):
        pass

    @hookimpl
    def aas_answer(self, question, identities):
        # The journal is no part of the run: the moments of its writing are none of the run's.
        handle = os.open(f"/proc/self/cwd/{JOURNAL}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{question.paths[0]} {question.paths[1]}\n".encode())
        os.close(handle)
        return "same" if identities[question.u] == identities[question.v] else "different"


@hookimpl
def aas_register(registry):
    registry.register("oracle", "witness", Witness, Options)
