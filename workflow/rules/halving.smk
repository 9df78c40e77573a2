# The questions of the rules of a search: which runs are tried first, and which of them go on. No rules here.


def runs_tried_first():
    """The runs of the seeds that are tried first, by configuration."""
    seeds, runs = STUDY.seeds[: SEARCH.first_seeds], {}
    for run in RUNS.values():
        if run.seed in seeds:
            runs.setdefault(run.configuration, []).append(run)
    return runs


def groups_of_search():
    """The kind of loss of each configuration: only configurations of one kind are compared."""
    from ptychopareto.study.rung_decision import kind_of_loss

    return {
        name: kind_of_loss(runs[0].settings(STUDY.training)) for name, runs in TRIED_FIRST.items()
    }


def rung_before(rung):
    """The rung below one; None for the first."""
    index = SEARCH.rungs.index(int(rung))
    return SEARCH.rungs[index - 1] if index else None


@cache
def tell_outlook():
    """Say in a dry run, once, what is decided and what is at most to come: a plan shows only what is known."""
    if workflow.is_main_process and workflow.dryrun:
        from outlook import epochs_done, outlook
        from ptychopareto.study.rungs import decisions_so_far

        runs = list(RUNS.values())
        settings = {run.id: fingerprint(run) for run in runs}
        files = [Path(file) for file in DECISIONS]
        so_far = decisions_so_far(files, runs, settings, SEARCH.keep, MAIN_COST)
        done = epochs_done(runs, STUDY, settings, Path("results/runs"))
        print(outlook(STUDY, runs, GROUPS, so_far, done), file=sys.stderr)


def reached(wildcards):
    """The records of all runs that go up to a rung; not known before the rung below it is decided."""
    tell_outlook()
    before, names = rung_before(wildcards.rung), list(TRIED_FIRST)
    if before is not None:
        from ptychopareto.study.rungs import read_decision

        file = checkpoints.decide.get(rung=before).output.decision
        names = [name for name in read_decision(Path(file)).survivors if name in TRIED_FIRST]
    return [
        f"results/runs/{run.id}/rung_{wildcards.rung}.json"
        for name in names
        for run in TRIED_FIRST[name]
    ]


def decision_below(wildcards):
    """The decision at the rung below: whatever has changed it may have changed who gets here."""
    before = rung_before(wildcards.rung)
    return [] if before is None else [f"results/search/rung_{before}.json"]


def record_below(wildcards):
    """The record of the run at the rung below, from which its training goes on."""
    before = rung_before(wildcards.rung)
    return [] if before is None else [f"results/runs/{wildcards.run}/rung_{before}.json"]


def demands_at_rung():
    """The resources of a training up to a rung."""
    if not ON_CLUSTER:
        return demands_of_training()
    return estimates.demands(
        lambda wildcards: estimates.training(run_of(wildcards), STUDY, int(wildcards.rung))
    )


def group_at_rung(wildcards):
    """Short trainings share a job of a cluster."""
    short = estimates.is_short(run_of(wildcards), STUDY, int(wildcards.rung))
    return "short_runs" if short else None


if SEARCH is not None:
    TRIED_FIRST = runs_tried_first()
    GROUPS = groups_of_search()
