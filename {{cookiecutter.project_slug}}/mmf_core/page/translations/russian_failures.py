"""The service's own failures and limits in Russian; see `russian_errors`."""

RUSSIAN_FAILURES = {
    "the service failed on this request; its log has the reason under this request_id": (
        "причина записана в журнале сервиса под идентификатором этого запроса"
    ),
    "the model is not loaded; retry later": "модель ещё не загружена; попробуйте позже",
    "this worker is at its limit of {number} streams (set MMF_MAX_STREAMS)": (
        "сервис уже отвечает потоками стольким, скольким может: {number}"
    ),
    "this worker is at its limit of {number} stream (set MMF_MAX_STREAMS)": (
        "сервис уже отвечает потоками стольким, скольким может: {number}"
    ),
    "the service is shutting down": "сервис завершает работу",
    "a piece of the stream cannot be written as {name}: {rest}": (
        "часть ответа нельзя записать в этом формате: {rest}"
    ),
    "{name} is at its limit of {number} calls": (
        "одновременных вызовов «{name}» — не больше {number}"
    ),
    "{name} is at its limit of {number} call": (
        "одновременных вызовов «{name}» — не больше {number}"
    ),
    "{name} took longer than {number} seconds": "«{name}» не успевает за {number} с",
    "the body did not arrive in time (set MMF_CLIENT_TIMEOUT)": "данные шли слишком долго",
    "the connection broke in the middle of the body": "соединение прервалось при отправке",
}
