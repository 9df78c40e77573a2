# The networks, and rPIE beside them, on test scans with a named change. Without scenarios in the config there is no
# such job.
#
# takes results/dataset/test.npz, results/runs/{run}/model.safetensors, results/study_results.csv, classical.json
#       and pareto_front.csv
# makes results/scenarios/{scenario}/test.npz, scores.json and at_best.json, results/scenarios.csv, results/robustness.png

if STUDY.scenarios:

    localrules:
        gather_scenarios,
        robustness,

    wildcard_constraints:
        scenario="|".join([AS_TRAINED, *SCENARIOS]),

    rule scenario:
        input:
            test="results/dataset/test.npz",
        output:
            test=ensure("results/scenarios/{scenario}/test.npz", non_empty=True),
        log:
            "results/logs/scenario/{scenario}.log",
        benchmark:
            "results/benchmarks/scenario/{scenario}.tsv"
        group:
            "scenarios" if ON_CLUSTER else None
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.scenario(STUDY)),
        params:
            code=code_of("scenario"),
            change=change_of_scenario,
            seed=getattr(STUDY.dataset, "seed", 0),
        message:
            "Changing the test scan: {wildcards.scenario}"
        script:
            "../scripts/scenario.py"

    rule evaluate_scenario:
        input:
            models=paths_of_runs("results/runs/{run}/model.safetensors"),
            test="results/scenarios/{scenario}/test.npz",
        output:
            scores=ensure("results/scenarios/{scenario}/scores.json", non_empty=True),
        log:
            "results/logs/evaluate_scenario/{scenario}.log",
        benchmark:
            "results/benchmarks/evaluate_scenario/{scenario}.tsv"
        group:
            "scenarios" if ON_CLUSTER else None
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.robustness(RUNS.values(), STUDY)),
            gpu=GPUS_PER_JOB,
        params:
            code=code_of("evaluate_scenario"),
            runs=runs_of_models,
            grid=list(RUNS),
            search=SEARCH and SEARCH.model_dump(mode="json"),
            epochs=max(STUDY.classical.epochs),
            alpha=STUDY.classical.alpha,
            device=STUDY.device,
        message:
            "Evaluating all networks on a changed test scan: {wildcards.scenario}"
        script:
            "../scripts/evaluate_scenario.py"

    rule at_best:
        input:
            models=paths_of_runs("results/runs/{run}/model.safetensors"),
            test=scan_of_scenario,
            front=FRONT,
        output:
            scores=ensure("results/scenarios/{scenario}/at_best.json", non_empty=True),
        log:
            "results/logs/at_best/{scenario}.log",
        benchmark:
            "results/benchmarks/at_best/{scenario}.tsv"
        group:
            "scenarios" if ON_CLUSTER else None
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.at_best(RUNS.values(), STUDY)),
            gpu=GPUS_PER_JOB,
        params:
            code=code_of("at_best"),
            runs=runs_of_models,
            grid=RUN_SETTINGS,
            search=SEARCH and SEARCH.model_dump(mode="json"),
            at_best=STUDY.at_best and STUDY.at_best.model_dump(mode="json"),
            device=STUDY.device,
        message:
            "Stopping rPIE by free patterns: {wildcards.scenario}"
        script:
            "../scripts/at_best.py"

    rule gather_scenarios:
        input:
            at_best=[f"results/scenarios/{name}/at_best.json" for name in STUDY.scenarios_at_best],
            scores=[f"results/scenarios/{name}/scores.json" for name in SCENARIOS],
            table="results/study_results.csv",
            classical="results/classical.json",
        output:
            table=report(
                ensure("results/scenarios.csv", non_empty=True),
                caption="../report/scenarios.rst",
                category="Tables",
                labels={"result": "all runs in all scenarios"},
            ),
        log:
            "results/logs/gather_scenarios.log",
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            code=code_of("gather_scenarios"),
            runs=RUN_SETTINGS,
            scenarios=list(SCENARIOS),
            at_best=list(STUDY.scenarios_at_best),
        message:
            "Gathering the results of all scenarios"
        script:
            "../scripts/gather_scenarios.py"

    rule robustness:
        input:
            scenarios="results/scenarios.csv",
            front=FRONT,
            purposes=PURPOSES,
        output:
            picture=picture("robustness", label="in the scenarios"),
        log:
            "results/logs/robustness.log",
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            code=code_of("robustness"),
            changes=[change.model_dump(mode="json") for change in SCENARIOS.values()],
            axes=MAIN_AXES,
        message:
            "Drawing how the front holds up in the scenarios"
        script:
            "../scripts/robustness.py"
