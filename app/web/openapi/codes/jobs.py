"""What is said of jobs: to who makes and follows them, and in a job, as the reason for which it failed."""

from app.web.openapi.codes.code import Code, Codes

JOB: Codes = {
    "job_not_found": Code(404, "There is no such job, or it ended long ago.", "See the list of jobs."),
}
PAGE: Codes = {
    "id_not_found": Code(404, "The job has nothing of the id in `after`.", "Begin without it."),
}
MAKING: Codes = {
    "bad_idempotency_key": Code(
        422, "The `Idempotency-Key` is empty, too long or not in ASCII.", "Send 1 to 255 visible characters."
    ),
    "idempotency_key_reused": Code(409, "The key came with another request before.", "Take a new one."),
    "option_rejected": Code(422, "Options contradict each other or the version.", "Correct them as `detail` says."),
    "feedback_not_offered": Code(422, "Corrections judge nothing.", "Leave the validation file out, or upload one."),
    "too_few_examples": Code(422, "These are too few pictures, of a label or in all.", "Add as many as `detail` says."),
    "job_too_long": Code(422, "The job would take longer than one may.", "Take fewer epochs or fewer pictures."),
    "too_many_jobs": Code(429, "As many jobs wait as may.", "Wait for one to begin, or cancel one."),
}
FILTER: Codes = {
    "bad_filter": Code(422, "The filter by metadata can't be read.", "Ask as `metadata[key]=value`."),
}
MOVING: Codes = {
    "job_state": Code(409, "The job is in no state for this.", "Look at its status."),
}
STREAM: Codes = {
    "too_many_streams": Code(503, "Too many clients, or this one too often, watch jobs.", "Ask page by page."),
}
FAILED: Codes = {
    "base_unusable": Code(0, "The version that it starts from can't be trained on.", "Start from another one."),
    "data_missing": Code(0, "The data set is not where it was.", "Upload it again."),
    "feedback_not_found": Code(0, "The corrections were deleted before the job began.", "Give others."),
    "internal_error": Code(0, "Something broke in the training.", "Try again; the log says what."),
    "job_abandoned": Code(0, "Nobody let the training publish its version.", "Make the job again."),
    "job_crashed": Code(
        0, "The training ended several times without a result, or spoke without end.", "Ask the operator."
    ),
    "job_lost": Code(0, "Every worker that took the job was lost.", "Ask the operator to look at the workers."),
    "job_too_long": Code(0, "The job took longer than one may.", "Take fewer epochs or fewer pictures."),
    "out_of_memory": Code(0, "The training needs more memory than there is.", "Take a smaller `batch_size`."),
    "recipe_rejected": Code(0, "This release can't follow the job's recipe.", "Make the job again."),
    "storage_full": Code(0, "The disk is full.", "Free some space and make the job again."),
    "store_read_only": Code(0, "The worker may not write into the store.", "Let its user do so."),
    "training_diverged": Code(0, "The loss grew instead of falling.", "Take a lower learning rate."),
    "training_refused": Code(0, "The training can't be done.", "The message says why."),
    "version_unservable": Code(0, "The version that was made gives other answers than it should.", "Make it again."),
}
