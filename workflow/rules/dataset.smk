# The scan: simulated, brought in from existing files, or prepared from a measurement.
#
# makes results/dataset/{train,test}.npz and results/dataset/dataset.png; from a measurement also results/scan/,
#       scan.json, scan.png, probe.json, probe.png and, as the teacher, results/dataset/teacher.npz and teacher.json
#
# The files that the config names are no inputs: their content is a parameter, wherever they lie.


localrules:
    dataset_picture,


if isinstance(STUDY.dataset, ExistingDataset):

    localrules:
        import_dataset,

    rule import_dataset:
        output:
            train=ensure("results/dataset/train.npz", non_empty=True),
            test=ensure("results/dataset/test.npz", non_empty=True),
        log:
            "results/logs/import_dataset.log",
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.simulation(STUDY)),
        params:
            code=code_of("import_dataset"),
            dataset=CONTENT.dataset.model_dump(mode="json", include={"train_npz", "test_npz"}),
        message:
            "Bringing in the scan from existing files"
        script:
            "../scripts/import_dataset.py"

elif MEASURED:

    localrules:
        prepare_scan,

    rule prepare_scan:
        output:
            train=ensure("results/scan/train.npz", non_empty=True),
            test=ensure("results/scan/test.npz", non_empty=True),
            record=ensure("results/scan.json", non_empty=True),
            picture=picture("scan", category="Data", label="the scan as it was measured"),
        log:
            "results/logs/prepare_scan.log",
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.simulation(STUDY)),
        params:
            code=code_of("prepare_scan"),
            dataset=CONTENT.dataset.model_dump(
                mode="json", exclude={"register_input", "gridsize", "joint"}
            ),
        message:
            "Preparing the measured scan"
        script:
            "../scripts/prepare_scan.py"

    # The scored part has no say in this probe: networks learn with it.
    rule prepare_probe:
        input:
            train="results/scan/train.npz",
            test="results/scan/test.npz",
        output:
            train=ensure("results/dataset/train.npz", non_empty=True),
            test=ensure("results/dataset/test.npz", non_empty=True),
            objects=ensure("results/dataset/teacher.npz", non_empty=True),
            score=ensure("results/dataset/teacher.json", non_empty=True),
            record=ensure("results/probe.json", non_empty=True),
            picture=picture("probe", category="Data", label="the probe that was found"),
        log:
            "results/logs/prepare_probe.log",
        benchmark:
            "results/benchmarks/prepare_probe.tsv"
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.rpie(STUDY, "train", 5 * STUDY.dataset.joint.most_epochs)),
            gpu=GPUS_PER_JOB,
        params:
            code=code_of("prepare_probe"),
            joint=STUDY.dataset.joint.model_dump(mode="json"),
            one_scan=STUDY.dataset.test.scan is None,
            device=STUDY.device,
        message:
            "Finding the probe from the training part"
        script:
            "../scripts/prepare_probe.py"

else:

    rule simulate:
        output:
            train=ensure("results/dataset/train.npz", non_empty=True),
            test=ensure("results/dataset/test.npz", non_empty=True),
        log:
            "results/logs/simulate.log",
        benchmark:
            "results/benchmarks/simulate.tsv"
        conda:
            "../envs/ptychopareto.yaml"
        threads: 1
        resources:
            **demands(estimates.simulation(STUDY)),
        params:
            code=code_of("simulate"),
            dataset=CONTENT.dataset.model_dump(mode="json", exclude={"register_input", "gridsize"}),
        message:
            "Simulating the scan"
        script:
            "../scripts/simulate.py"


rule dataset_picture:
    input:
        train="results/dataset/train.npz",
    output:
        picture=report(
            ensure("results/dataset/dataset.png", non_empty=True),
            caption="../report/dataset.rst",
            category="Data",
            labels={"picture": "the training scan"},
        ),
    log:
        "results/logs/dataset_picture.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_of("dataset_picture"),
    message:
        "Drawing the scan"
    script:
        "../scripts/dataset_picture.py"
