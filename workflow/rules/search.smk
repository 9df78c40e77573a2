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
            below=decision_below,
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
