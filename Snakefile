# The study as a graph of jobs. `snakemake -n` shows what would run, `make study` runs it.

from snakemake.utils import min_version

min_version("9.16.3")

# A study file given with --configfile stands alone: nothing of config.yaml is mixed into it.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/teach.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/halving.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/scenarios.smk"
include: "workflow/rules/pictures.smk"


rule all:
    default_target: True
    input:
        study_targets(),
