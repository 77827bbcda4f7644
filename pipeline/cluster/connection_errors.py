"""What a connection failed for, out of urllib3's errors, which wrap it in what was asked."""

from components.step.errors import ServiceError, one_line


def reason_of(error: object) -> str:
    """Return in a few words what `error` says happened."""
    text = str(getattr(error, "reason", None) or error)
    return one_line(text.rpartition(">: ")[2] if ">: " in text else text.partition("): ")[2] or text, 200)


def silent_kubernetes(error: object) -> ServiceError:
    """Return the error that a Kubernetes API gave no answer, because of urllib3's `error`."""
    return ServiceError(f"The Kubernetes API must answer. Received: {reason_of(error)}. Check KUBECONFIG.")
