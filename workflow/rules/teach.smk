# The teacher: the training scan, reconstructed once classically (rPIE). Runs only if some run learns from it.
#
# takes results/dataset/train.npz
# makes results/dataset/teacher.npz and its own score, results/dataset/teacher.json
#
# A measured scan has its teacher from the job that finds the probe.


if not MEASURED:

    rule teach:
        input:
            train="results/dataset/train.npz",
        output:
            objects=ensure("results/dataset/teacher.npz", non_empty=True),
            score=ensure("results/dataset/teacher.json", non_empty=True),
        log:
            "results/logs/teach.log",
        benchmark:
            "results/benchmarks/teach.tsv"
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.rpie(STUDY, "train", STUDY.teacher.epochs)),
            gpu=GPUS_PER_JOB,
        params:
            code=code_of("teach"),
            teacher=STUDY.teacher.model_dump(mode="json"),
            device=STUDY.device,
        message:
            "Reconstructing the training scan classically, for the networks to learn from"
        script:
            "../scripts/teach.py"
