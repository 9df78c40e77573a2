# One training per run. It goes on from its checkpoint, which lies beside the outputs and is not one of them:
# Snakemake deletes outputs before it repeats a job.
#
# takes results/dataset/train.npz and, if the run learns from it, results/dataset/teacher.npz
# makes results/runs/{run}/model.safetensors and history.csv


rule train:
    input:
        unpack(data_of_training),
    output:
        model=ensure("results/runs/{run}/model.safetensors", non_empty=True),
        history=ensure("results/runs/{run}/history.csv", non_empty=True),
    log:
        "results/logs/train/{run}.log",
    benchmark:
        "results/benchmarks/train/{run}.tsv"
    group:
        group_of_training if ON_CLUSTER else None
    conda:
        "../envs/ptychopareto.yaml"
    # one thread: then the weights are the same, bit for bit, on any number of cores
    threads: 1
    resources:
        **demands_of_training(),
        gpu=GPUS_PER_JOB,
    params:
        training=training_settings,
        made_from=made_from,
        register_input=STUDY.dataset.register_input,
        gridsize=STUDY.dataset.gridsize,
        device=STUDY.device,
    message:
        "Training {wildcards.run}"
    script:
        "../scripts/train.py"
