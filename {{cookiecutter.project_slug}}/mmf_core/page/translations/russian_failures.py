"""The service's own failures and limits in Russian; see `russian_errors`."""

RUSSIAN_FAILURES = {
    "a token is missing: send it in the header Authorization, after the word Bearer": (
        "нужен токен: обновите страницу и введите его"
    ),
    "the token is not valid: {rest}": "токен не принят: {rest}",
    "it has expired": "срок его действия истёк",
    "it was revoked": "он отозван",
    "it is not valid yet": "срок его действия ещё не наступил",
    "it is for another audience": "он для другого сервиса",
    "it cannot be verified": "подпись неверна или не читается",
    "it is neither a JWT nor an API key": "это не JWT и не ключ",
    "it has more than {number} characters": "в нём больше {number} знаков",
    "it has no {name}": "в нём нет {name}",
    "its header has crit": "в его заголовке есть crit",
    "expected alg {name}": "нужен алгоритм {name}",
    "no key has its kid": "он подписан неизвестным ключом",
    "no such API key": "такого ключа нет",
    "expected sub and jti of 1 to 200 printable characters": (
        "sub и jti должны быть длиной от 1 до 200 печатных знаков"
    ),
    "expected exp as a number, and rate as 100/minute": (
        "exp должен быть числом, rate - записан как 100/minute"
    ),
    "expected {name} as a list of names": "{name} должен быть списком имён",
    "the token is not for the group {name}": "токен не для группы {name}",
    "the token is not for the target {name}": "токен не для функции {name}",
    "the token is not for every target": "токен не для всех функций",
    "more than {number} requests in {count} seconds; try again in {time} seconds": (
        "за {count} с можно вызвать {number} раз; попробуйте через {time} с"
    ),
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
    "two versions are being compared already": "сравнение двух версий уже идёт",
    (
        "expected at most {limit} cells in the rows that change, got {number}; send fewer rows, "
        "or use mmfmeta compare"
    ): "изменилось слишком много: ячеек {number}, можно {limit}; пришлите меньше строк",
    "no candidate is loaded; start a rollout, at least with --dark": (
        "второй версии сейчас нет: сначала начните выкатку"
    ),
    "name a target that returns rows for a table: {names}": (
        "назовите цель, которая отвечает на каждую строку таблицы: {names}"
    ),
    "{version}: expected a prediction for each of the {rows} rows, got {number}": (
        "{version}: строк {rows}, а ответов {number}"
    ),
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
    "tasks cannot be stored (set MMF_TASKS): the database does not respond": (
        "задачу некуда записать: база данных не отвечает"
    ),
    "tasks cannot be stored (set {value}): the store does not respond": (
        "задачу некуда записать: хранилище не отвечает"
    ),
    "tasks cannot be stored by this process: {rest}": (
        "этому процессу задачу некуда записать: {rest}"
    ),
    "a function has closed file descriptors that are not its own": "функция закрыла чужие файлы",
    "tasks cannot be stored (set {value}): {rest}": "задачу некуда записать: {rest}",
    "tasks are those of a newer version of this service": "задачи записаны новой версией сервиса",
    "too many tasks wait (set MMF_MAX_TASKS, MMF_MAX_TASKS_MIB)": "в очереди слишком много задач",
    "the body exceeds {limit} MiB (set MMF_MAX_TASK_BODY_MIB)": "больше {limit} МиБ",
    "the result is too large for {name}; accept {formats}": (
        "ответ слишком велик для {name}; выберите {formats}"
    ),
    "this version of the service reads no file for {name}; send its rows in smaller pieces": (
        "в этой версии сервиса «{name}» не читает таких файлов; пришлите по частям"
    ),
    "the file took more than {number} seconds to arrive": "файл шёл дольше {number} с",
    "row {number} cannot be read: {rest}": "строка {number} не читается: {rest}",
    "from row {number} on: {rest}": "начиная со строки {number}: {rest}",
    "too many requests wait for the addresses of their webhooks": (
        "адресов для оповещений ждут слишком многие"
    ),
    "too many requests wait for tasks, or the service is shutting down": (
        "результатов ждут слишком многие, или сервис завершает работу"
    ),
    "webhooks are off (set MMF_WEBHOOK_SECRET)": "оповещения выключены",
    "{value} is a private address (set MMF_WEBHOOK_ALLOW)": "{value} — закрытый адрес",
    "the host in {value} cannot be found": "адрес {value} не найден",
    "Webhook-URL: {rest}": "Webhook-URL: {rest}",
    "no task has the id {value}": "нет задачи с идентификатором {value}",
    "the id {value} is that of another task": "идентификатор {value} уже у другой задачи",
    "choose another id": "выберите другой идентификатор",
    "the new model is rejected: {rest}": "новая модель не принята: {rest}",
    "the new model cannot be stored: {rest}": "новую модель некуда записать: {rest}",
    "{name} may not be called by requests (set MMF_RETRAIN_HTTP=1)": (
        "«{name}» нельзя вызвать запросом: это решает владелец сервиса"
    ),
    "{name} is being trained already": "«{name}» уже обучается",
    "{name} is {number}, but {used} for the current version": (
        "{name} равно {number}, а у той, что в работе, {used}"
    ),
    "it is a dict of models, or the current one is": "одна из двух моделей — словарь моделей",
    "it has no model {value}": "в ней нет модели {value}",
    "it expects other columns: {names}": "ей нужны другие столбцы: {names}",
    "it has no {name}, but the current one has": "у неё нет {name}, а у той, что в работе, есть",
    "{name} returns {actual}, but {expected} from the current one": (
        "{name} выдаёт другое: {actual} вместо {expected}"
    ),
    "it fails on its own example: {name}": "она не работает на своём же примере: {name}",
    "it fails on its example: {name}": "она не работает на примере: {name}",
    "the current one fails on its example: {name}": (
        "та, что в работе, не работает на её примере: {name}"
    ),
    "{name} fails on its example: {value}": "«{name}» не работает с ней на примере: {value}",
    "return mmf.TrainedModel(model, example=rows of its input)": (
        "верните mmf.TrainedModel(model, example=…)"
    ),
    "{uri} is read-only; push to s3:// or file://": (
        "{uri} только для чтения; нужно хранилище s3:// или file://"
    ),
    "the folder of {name} is read-only: train where it is writable, or with promote=False and a "
    "store that keeps versions": (
        "папка файла {name} только для чтения: обучайте там, куда можно писать, или с "
        "promote=False и хранилищем с версиями"
    ),
    "promote=False needs a store that keeps versions: mmfmeta push --to s3://bucket/prefix": (
        "для promote=False нужно хранилище с версиями"
    ),
    "a model can only be a result": "модель может быть только результатом",
    "expected a fitted model, which has predict, got {name}": (
        "нужна обученная модель с predict, получено: {name}"
    ),
    "metric {name}: expected a finite number, got {value}": (
        "показатель {name}: нужно конечное число, получено: {value}"
    ),
    "expected the metric {name}, got {names}": "нужен показатель {name}, получено: {names}",
    "expected metrics of at most {number} characters as JSON": (
        "показатели длиннее {number} знаков JSON"
    ),
    "ids that begin with schedule: are the service's own": (
        "идентификаторы, которые начинаются с schedule:, занимает сам сервис"
    ),
    "the task is {name} already": "задача уже закончена",
    "the task is {name}: it has no result": "у задачи нет результата",
    "the result was removed (set MMF_TASK_KEEP_HOURS, MMF_TASK_KEEP_MIB)": "результат уже удалён",
    "the result exceeds {limit} MiB (set MMF_TASK_KEEP_MIB); send its rows in smaller pieces": (
        "результат больше {limit} МиБ; пришлите по частям"
    ),
    "the file with the content of this task was deleted": "файл с данными задачи удалён",
    "the result is from another version of this service": (
        "результат записан другой версией сервиса"
    ),
    "submit the task again": "отправьте задачу ещё раз",
    "this version of the service has no target {name}": "в этой версии сервиса нет «{name}»",
    "{name}: this version of the service has no such target": "в этой версии сервиса нет «{name}»",
    "TASK-ID: missing header": "нет заголовка TASK-ID",
    "choose an id for the task": "выберите идентификатор задачи",
    "missing header": "нет заголовка",
    "TASK-ID and Idempotency-Key are different: send one of them": (
        "TASK-ID и Idempotency-Key различаются: пришлите один из них"
    ),
    "at most {number} printable characters without /": "не больше {number} знаков, без /",
    "the process that ran it ended: {rest}": "процесс задачи прервался: {rest}",
    "the worker that ran it ended": "процесс задачи прервался",
    "{name} runs in the background: use POST /{route}": (
        "«{name}» выполняется в фоне: нужен POST /{route}"
    ),
    "the body did not arrive in time (set MMF_CLIENT_TIMEOUT)": "данные шли слишком долго",
    "the connection broke in the middle of the body": "соединение прервалось при отправке",
    (
        "expected the longest XML namespace, multiplied by the elements and attributes, to be at "
        "most {limit} characters, got a namespace of {number}; send names without a prefix"
    ): (
        "самое длинное пространство имён XML, умноженное на число элементов и атрибутов, — не "
        "больше {limit} знаков, в нём самом: {number}; пришлите имена без приставки"
    ),
    (
        "expected at most {limit} different texts in columns of numbers, flags and dates; send it "
        "in smaller pieces"
    ): "в столбцах чисел, флагов и дат не больше {limit} разных текстов; пришлите по частям",
    (
        "expected a result of at most {limit} columns, got {columns}; "
        "send a table of fewer columns or rows"
    ): (
        "в результате не больше {limit} столбцов, получилось: {columns}; "
        "пришлите таблицу, в которой меньше столбцов или строк"
    ),
    (
        "expected a result of at most {limit} rows as {name}, got {rows}; "
        "send fewer rows, or accept another format"
    ): (
        "в {name} не больше {limit} строк, получилось: {rows}; "
        "пришлите меньше строк или выберите другой формат"
    ),
    (
        "expected a result of at most {limit} cells as {name}, got {number}, where objects "
        "count {count} times and times in a zone {zoned} times; send fewer rows, or accept another "
        "format, such as Parquet"
    ): (
        "в {name} не больше {limit} ячеек, получилось: {number} (объекты считаются "
        "{count} раз, время с поясом — {zoned}); пришлите меньше строк или выберите другой формат, "
        "например Parquet"
    ),
    (
        "expected a result of at most {limit} values as {name}, got {number}, where names count, "
        "too, and lists and objects count three times; send less, or accept another format, such "
        "as JSON"
    ): (
        "в {name} не больше {limit} значений, получилось: {number} (имена тоже считаются, а списки "
        "и объекты - три раза); пришлите меньше или выберите другой формат, например JSON"
    ),
    (
        "expected objects with at most {limit} names in Parquet or Arrow, and {most} names and "
        "rows multiplied, got {names} names and {rows} rows; send objects of the same names, or "
        "accept another format, such as JSON"
    ): (
        "в Parquet и Arrow у объектов не больше {limit} имён, а имён, умноженных на строки, не "
        "больше {most}; получилось имён: {names}, строк: {rows}; пришлите объекты с одинаковыми "
        "именами или выберите другой формат, например JSON"
    ),
    (
        "expected a result of at most {limit} characters that are escaped in {name}, such as & or "
        "U+0001; send less text, or accept another format"
    ): (
        "в {name} не больше {limit} знаков, которые экранируются, таких как & и U+0001; "
        "пришлите меньше текста или выберите другой формат"
    ),
    (
        "expected an array of at most {limit} values as {name}, got {number}, where lists count "
        "{count} times; send fewer rows, or accept another format, such as NPY"
    ): (
        "в {name} не больше {limit} значений массива, получилось: {number} (списки считаются "
        "{count} раз); пришлите меньше строк или выберите другой формат, например NPY"
    ),
    (
        "the result takes more than {number} MiB as {name}; send fewer rows, or accept another "
        "format, such as Parquet"
    ): (
        "результат в {name} больше {number} МиБ; пришлите меньше строк или выберите другой формат, "
        "например Parquet"
    ),
}
