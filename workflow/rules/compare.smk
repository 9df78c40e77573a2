# The networks on one scale: their latencies from one job, and rPIE on the same test scan.
#
# takes results/runs/{run}/model.safetensors and results/dataset/test.npz
# makes results/timing.json, results/classical.npz, results/classical.json; of a measured scan also
#       results/reference.npz and reference.json


rule time_inference:
    input:
        models=paths_of_runs("results/runs/{run}/model.safetensors"),
        test="results/dataset/test.npz",
    output:
        timing=ensure("results/timing.json", non_empty=True),
    log:
        "results/logs/time_inference.log",
    benchmark:
        "results/benchmarks/time_inference.tsv"
    conda:
        "../envs/ptychopareto.yaml"
    # all there are: no other job of the study can then run at the same time
    threads: ALL_CORES
    resources:
        **demands(estimates.timing(RUNS.values(), STUDY)),
        gpu=GPUS_PER_JOB,
    params:
        code=code_of("time_inference"),
        runs=runs_of_models,
        grid=list(RUNS),
        search=SEARCH and SEARCH.model_dump(mode="json"),
        gridsize=STUDY.dataset.gridsize,
        alpha=STUDY.refine.alpha,
        device=STUDY.device,
    message:
        "Timing all networks, with nothing else running beside"
    script:
        "../scripts/time_inference.py"


rule classical:
    input:
        test="results/dataset/test.npz",
        train=["results/dataset/train.npz"] if MEASURED else [],
        reference=REFERENCE,
        steps=["results/reference.json"] if MEASURED else [],
    output:
        objects=ensure("results/classical.npz", non_empty=True),
        scores=ensure("results/classical.json", non_empty=True),
    log:
        "results/logs/classical.log",
    benchmark:
        "results/benchmarks/classical.tsv"
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        **demands(estimates.rpie(STUDY, "test", max(STUDY.classical.epochs))),
        gpu=GPUS_PER_JOB,
    params:
        code=code_of("classical"),
        classical=STUDY.classical.model_dump(mode="json"),
        device=STUDY.device,
    message:
        "Reconstructing the test scan classically"
    script:
        "../scripts/classical.py"


if MEASURED:

    # From all patterns but the free ones: the object that a measured scan, without a truth, is compared with.
    rule reference:
        input:
            train="results/dataset/train.npz",
            test="results/dataset/test.npz",
        output:
            object=ensure("results/reference.npz", non_empty=True),
            steps=ensure("results/reference.json", non_empty=True),
        log:
            "results/logs/reference.log",
        benchmark:
            "results/benchmarks/reference.tsv"
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(
                estimates.rpie(STUDY, "train", 10 * STUDY.dataset.joint.most_epochs, held=True)
            ),
            gpu=GPUS_PER_JOB,
        params:
            code=code_of("reference"),
            joint=STUDY.dataset.joint.model_dump(mode="json"),
            epochs=list(STUDY.classical.epochs),
            one_scan=STUDY.dataset.test.scan is None,
            device=STUDY.device,
        message:
            "Reconstructing the whole measured scan classically"
        script:
            "../scripts/reference.py"
