# The scan: simulated, or brought in from existing files.
#
# makes results/dataset/{train,test}.npz and results/dataset/dataset.png


localrules:
    dataset_picture,


if isinstance(STUDY.dataset, ExistingDataset):

    localrules:
        import_dataset,

    rule import_dataset:
        input:
            train=str(STUDY.dataset.train_npz),
            test=str(STUDY.dataset.test_npz),
            library=library("import_dataset"),
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
        message:
            "Bringing in the scan from existing files"
        script:
            "../scripts/import_dataset.py"

else:

    rule simulate:
        input:
            given=[str(path) for path in study_files().values()],
            library=library("simulate"),
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
            dataset=STUDY.dataset.model_dump(mode="json", exclude={"register_input", "gridsize"}),
        message:
            "Simulating the scan"
        script:
            "../scripts/simulate.py"


rule dataset_picture:
    input:
        train="results/dataset/train.npz",
        library=library("dataset_picture"),
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
    message:
        "Drawing the scan"
    script:
        "../scripts/dataset_picture.py"
