"""Parts of errors in Russian: what is expected, what was received, and how to mend it."""

RUSSIAN_PHRASES = {
    # what is expected, and what was received
    "expected {phrase}, got {phrase2}": "ожидается {phrase}, получено: {phrase2}",
    "expected {phrase} of at most 64 bits, got {value}": (
        "ожидается {phrase} не длиннее 64 бит, получено: {value}"
    ),
    "expected {phrase}": "ожидается {phrase}",
    "a number": "число",
    "a whole number": "целое число",
    "a finite number": "конечное число",
    "text": "текст",
    "true or false": "true или false",
    "a date": "дата",
    "a date and time": "дата и время",
    "a date and time without a UTC offset": "дата и время без смещения от UTC",
    "a date and time, in {value} unless it has a UTC offset": (
        "дата и время (без смещения от UTC — по времени {value})"
    ),
    "a number of {value}": "число типа {value}",
    "an ISO 8601 date such as {value}": "дата по ISO 8601, например {value}",
    "{phrase}, in ISO 8601": "{phrase} по ISO 8601",
    "an ISO 8601 date and time such as {value}": "дата и время по ISO 8601, например {value}",
    "{phrase} >= {low} and <= {high}": "{phrase} от {low} до {high}",
    "{phrase} >= {low} and < {high}": "{phrase} от {low} и меньше {high}",
    "{phrase} > {low} and <= {high}": "{phrase} больше {low} и до {high}",
    "{phrase} > {low} and < {high}": "{phrase} больше {low} и меньше {high}",
    "{phrase} >= {bound}": "{phrase} не меньше {bound}",
    "{phrase} <= {bound}": "{phrase} не больше {bound}",
    "{phrase} > {bound}": "{phrase} больше {bound}",
    "{phrase} < {bound}": "{phrase} меньше {bound}",
    "one of {values}": "одно из значений {values}",
    "an empty cell": "пустая ячейка",
    "null": "пустое значение",
    "infinity": "бесконечность",
    "an array": "массив",
    "an object": "объект",
    "a list": "список",
    "a list of values": "список значений",
    "lists of different lengths": "списки разной длины",
    "bytes": "двоичные данные",
    "other characters": "другие знаки",
    "a file that cannot be read as one": "файл, который так не прочитать",
    "text, such as CSV": "текст, например CSV",
    "HTML or XML": "HTML или XML",
    "a workbook with a password": "книга с паролем",
    "an {value} workbook": "книга {value}",
    "{phrase}, with a UTC offset only if the bound has one": (
        "{phrase}, со смещением от UTC, только если оно есть у границы"
    ),
    "a {value}": "{value}",
    "an {value}": "{value}",
    # how to mend it
    "send a finite number": "нужно конечное число",
    "a float of 2**53 or more may have lost digits: send an integer or a text": (
        "дробное число от 2**53 могло потерять цифры: пришлите целое или текст"
    ),
    "write numbers with a decimal point and without thousands signs": (
        "пишите числа с десятичной точкой и без разделителей тысяч"
    ),
    (
        "this file has decimal commas, and thousands signs are not read: remove them, or "
        "the author declares them in pandas_params"
    ): ("в этом файле десятичные запятые, а разделители тысяч не читаются: уберите их"),
    "write it as {value}, with six decimals at most": (
        "пишите так: {value}, не больше шести знаков после запятой"
    ),
    "write it as {value}": "пишите так: {value}",
    "clocks in {value} skip this time": "в этот момент часы {value} переводят вперёд",
    "clocks in {value} repeat this time": "в этот момент часы {value} переводят назад",
    "add the UTC offset that is meant": "добавьте нужное смещение от UTC",
    "did you mean {value}?": "может быть, {value}?",
    "send one value": "пришлите одно значение",
    "send it in smaller pieces": "пришлите по частям",
    "try again later": "попробуйте позже",
    # rows beside each other
    "number of rows: expected {number}, got {count}": "число строк: {number}, а в таблице {count}",
    "number of rows: expected at least {number}, got {count}": (
        "число строк: не меньше {number}, а в таблице {count}"
    ),
    "number of rows: expected at most {number}, got {count}": (
        "число строк: не больше {number}, а в таблице {count}"
    ),
    "expected a value that no other row has, got {value}": (
        "значения не должны повторяться, получено: {value}"
    ),
    "expected at least {value}, the value before it, got {other}": (
        "ожидается значение не меньше предыдущего, {value}, получено: {other}"
    ),
    "expected at most {value}, the value before it, got {other}": (
        "ожидается значение не больше предыдущего, {value}, получено: {other}"
    ),
}
