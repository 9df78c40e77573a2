# A search instead of the full grid: trainings pause at rungs, where it is decided which of them go on. Without
# `search:` in the config there is no such job. What comes behind a decision is planned when it is known.
#
# takes what a training takes, and for inference time as the cost results/dataset/test.npz
# makes results/runs/{run}/rung_{rung}.json, results/search/rung_{rung}.json, results/search/untrained.json and
#       results/rungs.png

if SEARCH is not None:

    localrules:
        decide,
        rungs,

    wildcard_constraints:
        rung="|".join(str(rung) for rung in SEARCH.rungs),

    def runs_tried_first():
        """The runs of the seeds that are tried first, by configuration."""
        seeds, runs = STUDY.seeds[: SEARCH.first_seeds], {}
        for run in RUNS.values():
            if run.seed in seeds:
                runs.setdefault(run.configuration, []).append(run)
        return runs

    def groups_of_search():
        """What the loss of each configuration measures: only within such a group are they compared."""
        from ptychopareto.study.rungs import kind_of_loss

        return {
            name: kind_of_loss(runs[0].settings(STUDY.training))
            for name, runs in TRIED_FIRST.items()
        }

    TRIED_FIRST = runs_tried_first()
    GROUPS = groups_of_search()
    # A cost that has to be measured is measured before anything is trained.
    UNTRAINED = ["results/search/untrained.json"] if MAIN_COST == "inference_time_s" else []

    def rung_before(rung):
        """The rung below one; None for the first."""
        index = SEARCH.rungs.index(int(rung))
        return SEARCH.rungs[index - 1] if index else None

    @cache
    def tell_outlook():
        """Say in a dry run, once, what is decided and what is at most to come: a plan shows only what is known."""
        if workflow.is_main_process and workflow.dryrun:
            from outlook import decisions_so_far, outlook

            so_far = decisions_so_far(DECISIONS, list(GROUPS))
            print(outlook(STUDY, list(RUNS.values()), GROUPS, so_far), file=sys.stderr)

    def reached(wildcards):
        """The records of all runs that go up to a rung; not known before the rung below it is decided."""
        tell_outlook()
        before, names = rung_before(wildcards.rung), list(TRIED_FIRST)
        if before is not None:
            from ptychopareto.study.rungs import read_decision

            file = checkpoints.decide.get(rung=before).output.decision
            names = [
                name for name in read_decision(Path(file)).survivors if name in TRIED_FIRST
            ]
        return [
            f"results/runs/{run.id}/rung_{wildcards.rung}.json"
            for name in names
            for run in TRIED_FIRST[name]
        ]

    def record_below(wildcards):
        """The record of the run at the rung below, from which its training goes on."""
        before = rung_before(wildcards.rung)
        return [] if before is None else [f"results/runs/{wildcards.run}/rung_{before}.json"]

    def demands_at_rung():
        """What a training up to a rung demands."""
        if not ON_CLUSTER:
            return demands_of_training()
        return estimates.demands(
            lambda wildcards: estimates.training(run_of(wildcards), STUDY, int(wildcards.rung))
        )

    def group_at_rung(wildcards):
        """Short trainings share a job of a cluster."""
        short = estimates.is_short(run_of(wildcards), STUDY, int(wildcards.rung))
        return "short_runs" if short else None

    rule rung:
        input:
            unpack(data_at_rung),
            below=record_below,
        output:
            reached=ensure("results/runs/{run}/rung_{rung}.json", non_empty=True),
        log:
            "results/logs/rung_{rung}/{run}.log",
        benchmark:
            "results/benchmarks/rung_{rung}/{run}.tsv"
        group:
            group_at_rung if ON_CLUSTER else None
        conda:
            "../envs/ptychopareto.yaml"
        # one, as of the training that goes on from here
        threads: 1
        resources:
            **demands_at_rung(),
            gpu=GPUS_PER_JOB,
        params:
            training=training_settings,
            made_from=made_from,
            code=code_of("rung"),
            register_input=STUDY.dataset.register_input,
            gridsize=STUDY.dataset.gridsize,
            device=STUDY.device,
            rung=lambda wildcards: int(wildcards.rung),
        message:
            "Training {wildcards.run} for {wildcards.rung} epochs"
        script:
            "../scripts/rung.py"

    checkpoint decide:
        input:
            reached=reached,
            timing=UNTRAINED,
        output:
            decision=ensure("results/search/rung_{rung}.json", non_empty=True),
        log:
            "results/logs/decide/{rung}.log",
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            code=code_of("decide"),
            rung=lambda wildcards: int(wildcards.rung),
            part=lambda wildcards: SEARCH.keep[SEARCH.rungs.index(int(wildcards.rung))],
            cost=MAIN_COST,
            groups=GROUPS,
            configurations={run.id: name for name, runs in TRIED_FIRST.items() for run in runs},
        message:
            "Deciding who goes on after {wildcards.rung} epochs"
        script:
            "../scripts/decide.py"

    rule time_untrained:
        input:
            test="results/dataset/test.npz",
        output:
            timing=ensure("results/search/untrained.json", non_empty=True),
        log:
            "results/logs/time_untrained.log",
        benchmark:
            "results/benchmarks/time_untrained.tsv"
        conda:
            "../envs/ptychopareto.yaml"
        # all there are: no other job of the study can then run at the same time
        threads: ALL_CORES
        resources:
            **demands(estimates.timing([runs[0] for runs in TRIED_FIRST.values()], STUDY)),
            gpu=GPUS_PER_JOB,
        params:
            code=code_of("time_untrained"),
            runs={name: runs[0].id for name, runs in TRIED_FIRST.items()},
            register_input=STUDY.dataset.register_input,
            gridsize=STUDY.dataset.gridsize,
            device=STUDY.device,
        message:
            "Timing all networks before their training, with nothing else running beside"
        script:
            "../scripts/time_untrained.py"

    rule rungs:
        input:
            decisions=DECISIONS,
            table="results/study_results.csv",
        output:
            picture=picture("rungs", category="Training", label="the search"),
        log:
            "results/logs/rungs.log",
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            code=code_of("rungs"),
            axes=MAIN_AXES,
        message:
            "Drawing who went on at which rung"
        script:
            "../scripts/rungs.py"
