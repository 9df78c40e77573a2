# Each trained network reconstructs the test scan, once. Scores, rPIE after it and a picture follow from that.
#
# takes results/runs/{run}/model.safetensors, results/dataset/test.npz and, of a measured scan, results/reference.npz
# makes results/runs/{run}/metrics.json, reconstruction.npz, refinement.json and reconstruction.png


rule evaluate:
    input:
        model="results/runs/{run}/model.safetensors",
        test="results/dataset/test.npz",
        reference=REFERENCE,
    output:
        metrics=ensure("results/runs/{run}/metrics.json", non_empty=True),
        reconstruction=ensure("results/runs/{run}/reconstruction.npz", non_empty=True),
        refinement=ensure("results/runs/{run}/refinement.json", non_empty=True),
        picture=report(
            ensure("results/runs/{run}/reconstruction.png", non_empty=True),
            caption="../report/reconstruction.rst",
            category="Reconstructions",
            labels=labels_of_run,
        ),
    log:
        "results/logs/evaluate/{run}.log",
    benchmark:
        "results/benchmarks/evaluate/{run}.tsv"
    group:
        group_of_assessment if ON_CLUSTER else None
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        **demands(estimates.inference(RUNS.values(), STUDY)),
        gpu=GPUS_PER_JOB,
    params:
        refine=STUDY.refine.model_dump(mode="json"),
        # without the file of its architecture: a change there repeats the training before it
        code=code_of("evaluate"),
        device=STUDY.device,
    message:
        "Evaluating {wildcards.run}"
    script:
        "../scripts/evaluate.py"
