# The scan: simulated, or brought in from existing files.
#
# makes results/dataset/{train,test}.npz and results/dataset/dataset.png


localrules:
    dataset_picture,


if isinstance(STUDY.dataset, ExistingDataset):

    localrules:
        import_dataset,


    rule import_dataset:
        message:
            "Bringing in the scan from existing files"
        input:
            train=str(STUDY.dataset.train_npz),
            test=str(STUDY.dataset.test_npz),
            library=library("import_dataset"),
        output:
            train=ensure("results/dataset/train.npz", non_empty=True),
            test=ensure("results/dataset/test.npz", non_empty=True),
        log:
            "results/logs/import_dataset.log",
        threads: 1
        resources:
            **demands(estimates.simulation(STUDY)),
        conda:
            "../envs/ptychopareto.yaml"
        script:
            "../scripts/import_dataset.py"

else:

    rule simulate:
        message:
            "Simulating the scan"
        input:
            given=[str(path) for path in study_files().values()],
            library=library("simulate"),
        output:
            train=ensure("results/dataset/train.npz", non_empty=True),
            test=ensure("results/dataset/test.npz", non_empty=True),
        params:
            dataset=STUDY.dataset.model_dump(mode="json", exclude={"register_input", "gridsize"}),
        log:
            "results/logs/simulate.log",
        benchmark:
            "results/benchmarks/simulate.tsv"
        threads: 1
        resources:
            **demands(estimates.simulation(STUDY)),
        conda:
            "../envs/ptychopareto.yaml"
        script:
            "../scripts/simulate.py"


rule dataset_picture:
    message:
        "Drawing the scan"
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
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/dataset_picture.py"
