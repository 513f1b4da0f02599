"""Why a benchmark does not count, with the words for the node's owner. Pure."""

from enum import StrEnum


class Refusal(StrEnum):
    TOO_FAST = "too_fast"
    TOO_LATE = "too_late"
    MALFORMED = "malformed"  # not as long as it must be, or not readable
    OTHER_ROOT = "other_root"  # its hashes are not those that the node committed to
    OTHER_BLOCK = "other_block"  # a block has another hash
    WRONG_PRODUCT = "wrong_product"
    PICTURE = "picture"  # not the pixels that were promised
    COPIED = "copied"
    NOT_RENDERED = "not_rendered"  # not what its seed gives
    GPU_TOO_FAST = "gpu_too_fast"
    GPU_TOO_LATE = "gpu_too_late"
    GPU_NOT_KEPT = "gpu_not_kept"  # it took as long to show the blocks as to make them
    GPU_SLOW = "gpu_slow"  # beside others of the model


WORDS = {
    Refusal.TOO_FAST: "It was answered faster than any machine can.",
    Refusal.TOO_LATE: "It was answered too late to say anything.",
    Refusal.MALFORMED: "What the node sent is not what it was asked for.",
    Refusal.OTHER_ROOT: "What the node showed is not what it had committed to.",
    Refusal.OTHER_BLOCK: "What the node showed is not what it had committed to.",
    Refusal.WRONG_PRODUCT: "The node did not do the work: a product is wrong.",
    Refusal.PICTURE: "The canary frame is not the picture that the node had promised.",
    Refusal.COPIED: "The canary frame is one that was sent before.",
    Refusal.NOT_RENDERED: "The canary frame is not what its seed gives.",
    Refusal.GPU_TOO_FAST: "Its GPUs answered faster than any memory can be read.",
    Refusal.GPU_TOO_LATE: "Its GPUs answered so late that they cannot be what the node says.",
    Refusal.GPU_NOT_KEPT: "Its GPUs did not keep what they had made: they have less memory than the node says, or are fewer.",
    Refusal.GPU_SLOW: "Its GPUs took more than twice as long as others of their model: something else uses them, or they are fewer "
    "than the node says.",
}
