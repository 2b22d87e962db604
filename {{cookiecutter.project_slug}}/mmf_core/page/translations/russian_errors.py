"""The service's errors in Russian; keys and placeholders are explained in `errors`."""

from .russian_failures import RUSSIAN_FAILURES
from .russian_phrases import RUSSIAN_PHRASES

RUSSIAN_ERRORS = {
    **RUSSIAN_PHRASES,
    **RUSSIAN_FAILURES,
    # a table
    "missing columns: {names}": "нет столбцов: {names}",
    "missing column": "нет столбца",
    "duplicate columns: {names}": "столбцы повторяются: {names}",
    "duplicate column": "столбец повторяется",
    (
        "expected each name once in an object of JSON that has more than {limit} of them, "
        "got {number} with a name twice; send each name once, or fewer objects"
    ): (
        "в JSON с объектами числом более {limit} имена в объекте не должны повторяться, а объектов "
        "{number} и имя повторяется; пришлите каждое имя один раз или меньше объектов"
    ),
    "the result has a column of this name; rename this one": (
        "столбец с таким названием есть в результате; переименуйте этот"
    ),
    "only Parquet, Arrow and Feather can return bytes; leave the column out": (
        "двоичные данные возвращаются только в Parquet, Arrow и Feather; уберите столбец"
    ),
    "unknown columns: {names}": "лишние столбцы: {names}",
    "unknown column": "лишний столбец",
    "the table has {names} instead": "вместо них в таблице есть {names}",
    "the first row must be the column names, without a title above it": (
        "в первой строке должны быть названия столбцов, без заголовка над ними"
    ),
    "1 cell does not match the schema": "ячеек, не подходящих по типу: 1",
    "{number} cells do not match the schema": "ячеек, не подходящих по типу: {number}",
    "the first {number} errors are listed": "показаны первые {number}",
    "the table has no rows; send at least one": "в таблице нет строк; нужна хотя бы одна",
    "the table does not match the schema, errors: {rest}": (
        "таблица не подходит под схему, ошибок: {rest}"
    ),
    "failed the check {value}": "не прошло проверку {value}",
    "expected the same UTC offset, such as Z, in all dates of a column, or none": (
        "у всех дат столбца должно быть одно смещение от UTC, например Z, или ни у одной"
    ),
    "expected unique column names; rename the duplicates": (
        "названия столбцов не должны повторяться; переименуйте"
    ),
    (
        "expected numbers that one type holds exactly, got {value} together with fractions, "
        "nulls or numbers of another sign; send integers only, or shorter ones"
    ): (
        "числа столбца не умещаются точно в один тип: {value} рядом с дробями, пустыми "
        "или числами другого знака; пришлите только целые или покороче"
    ),
    "column {value}: {rest}": "столбец {value}: {rest}",
    "expected a value that the target can convert, got {value}": (
        "ожидается значение, которое цель может преобразовать, получено: {value}"
    ),
    "expected one value for each column": "нужно по одному значению на каждый столбец",
    "expected a list of {number} values": "нужен список из {number} значений",
    "expected a list of at least {number} values, got {count}": (
        "значений в списке не меньше {number}, получено: {count}"
    ),
    "expected a list of at most {number} values, got {count}": (
        "значений в списке не больше {number}, получено: {count}"
    ),
    "item {number}: {rest}": "элемент {number}: {rest}",
    "invalid items: {number}": "неверных элементов: {number}",
    "invalid items: more than {number}": "неверных элементов: больше {number}",
    "expected a list of values, got {value}": "ожидается список значений, получено: {value}",
    "expected {width} values, got {number}": "нужно значений: {width}, получено: {number}",
    "row {number}: {rest}": "строка {number}: {rest}",
    "line {number}: {rest}": "строка {number}: {rest}",
    (
        'expected a table: a list of records [{"a": 1}, …], {"columns": ["a"], "data": '
        '[[1], …]} or {"a": [1, …]}'
    ): (
        'ожидается таблица: список записей [{"a": 1}, …], {"columns": ["a"], "data": '
        '[[1], …]} или {"a": [1, …]}'
    ),
    "expected a record: an object of column name → value": (
        "ожидается запись: объект «название столбца → значение»"
    ),
    "expected one value for each column in every row": (
        "в каждой строке должно быть по одному значению на столбец"
    ),
    "expected the same number of values in every column": (
        "во всех столбцах должно быть одинаково много значений"
    ),
    "expected a table of one or two dimensions, got {number}": (
        "нужна таблица из одного или двух измерений, получено: {number}"
    ),
    "a record": "запись",
    'expected "columns" to be a list of names': 'в "columns" должен быть список названий',
    'expected "columns" to be a list of names and "data" a list of rows': (
        'в "columns" должен быть список названий, а в "data" — список строк'
    ),
    'expected "index" to be a list with one label for each row': (
        'в "index" должно быть по одной метке на строку'
    ),
    "expected a table, got rows of different lengths": "нужна таблица, а строки разной длины",
    "expected at least one column, got rows without any": "нужен столбец, а строки без столбцов",
    "expected unique labels in a Series; rename the duplicates": (
        "метки Series не должны повторяться; переименуйте"
    ),
    "the index cannot become a column: {rest}": "индекс не может стать столбцом: {rest}",
    # files
    "sheet {value} not found; this workbook has: {names}": (
        "нет листа {value}; в этой книге есть: {names}"
    ),
    "?sheet={value}: expected a workbook, got {format}, which has no sheets": (
        "лист {value}: нужна книга, а у {format} нет листов"
    ),
    "?header_row={value}: expected a workbook, got {format}": (
        "строка названий {value}: нужна книга, а получен {format}"
    ),
    "expected an {value} workbook, got {phrase}; save it as {_}": (
        "ожидается книга {value}, получено: {phrase}; сохраните её как {_}"
    ),
    "this workbook has been tampered with; save it again": (
        "эта книга повреждена; сохраните её ещё раз"
    ),
    "this workbook has a DTD, which is not supported; save it again": (
        "в этой книге есть DTD; сохраните её ещё раз"
    ),
    (
        "this table of {rows} rows and {columns} columns is nearly empty; send it in smaller pieces"
    ): ("в этой таблице ({rows} строк, {columns} столбцов) почти всё пусто; пришлите по частям"),
    "expected a {name} of at most {limit} columns, got {columns}": (
        "{name}: не больше {limit} столбцов, получено: {columns}"
    ),
    "expected a table of at most {limit} columns, got {columns}": (
        "в таблице не больше {limit} столбцов, получено: {columns}"
    ),
    "this {name} has rows of more cells than its header": (
        "{name}: в строке больше ячеек, чем названий столбцов"
    ),
    "this {name} cannot be decoded as {value}: {reason}": (
        "{name}: это не текст в кодировке {value}: {reason}"
    ),
    "this {name} cannot be read: {reason}": "{name}: не удаётся прочитать: {reason}",
    "expected a {name}, got binary data; send text in UTF-8": (
        "ожидается {name}, получены двоичные данные; пришлите текст в UTF-8"
    ),
    "the body is not a valid {name}; check that it is complete": (
        "это не {name}; проверьте, что файл целый"
    ),
    "this is not valid JSON: {reason}": "это не JSON: {reason}",
    "this JSON is nested too deeply": "слишком большая вложенность в этом JSON",
    "expected at most {number} levels of nesting; send a flatter value": (
        "не больше {number} уровней вложенности"
    ),
    "expected JSON in UTF-8, got UTF-16 or UTF-32": (
        "JSON должен быть в UTF-8, а не в UTF-16 или UTF-32"
    ),
    "expected text in UTF-8: {reason}": "нужен текст в UTF-8: {reason}",
    "this XML has a DTD or entities, which are not supported": (
        "в этом XML есть DTD или сущности, они не поддерживаются"
    ),
    "this XML is not a table: {reason}": "этот XML — не таблица: {reason}",
    "this picture cannot be read; send a PNG or a JPEG": (
        "картинку не удаётся прочитать; пришлите PNG или JPEG"
    ),
    "expected a picture of 8 or 16 bits per channel, got 32": (
        "нужна картинка с 8 или 16 битами на канал, а не с 32"
    ),
    "expected a picture of at most {number} pixels; send a smaller one{rest}": (
        "в картинке не больше {number} пикселей; пришлите поменьше"
    ),
    (
        "this {name} decompresses to more than {limit} MiB; send it in smaller pieces "
        "(the limit is {_})"
    ): ("{name}: в распакованном виде больше {limit} МиБ; пришлите по частям"),
    (
        "this {name} has so many values that decoding it could take more than {limit} MiB"
        " of memory; send it in smaller pieces (the limit is {_})"
    ): (
        "{name}: слишком много значений, чтение заняло бы больше {limit} МиБ памяти; "
        "пришлите по частям"
    ),
    "the body exceeds {limit} MiB (set MMF_MAX_BODY_MIB)": "больше {limit} МиБ",
    "a form may have at most {number} parts": "в форме не больше {number} частей",
    "unsupported Content-Type {_}; send {formats}": (
        "такие файлы здесь не читаются; пришлите {formats}"
    ),
    "missing Content-Type; send {formats}": "такие файлы здесь не читаются; пришлите {formats}",
    "?format={value}: expected one of {names}": "формат {value}: нужен один из {names}",
    "expected a uint8 array of shape (height, width, 3) or (height, width), got {value}": (
        "нужен массив uint8 размеров (высота, ширина, 3) или (высота, ширина), получено: {value}"
    ),
    "this {name} is nested too deeply; send a flatter value": (
        "{name}: слишком большая вложенность"
    ),
    "expected columns that pandas can hold, got a union; send another type": (
        "нужны столбцы, которые вмещает pandas, получено объединение типов; пришлите другой тип"
    ),
    "expected lists with values of their own, got views that overlap": (
        "нужны списки с собственными значениями, получены пересекающиеся"
    ),
    "a formula without one": "формула без значения",
    "a value": "значение",
    (
        "expected the values of formulas, which the program that wrote this workbook has not "
        "computed; open it in Excel or LibreOffice and save it"
    ): (
        "значения формул не вычислены программой, которая записала эту книгу; "
        "откройте её в Excel или LibreOffice и сохраните"
    ),
    "line {number} is blank": "строка {number} пуста",
    "row {number} is a blank line": "строка {number} пуста",
    "a blank line": "пустая строка",
    'write "" for a null': 'пишите "" вместо пустого значения',
    ("expected a sheet of at most {limit} XML tags, four for a cell; send it in smaller pieces"): (
        "на листе должно быть не больше {limit} тегов XML, по четыре на ячейку; пришлите по частям"
    ),
    (
        "expected a workbook of at most {limit} cells with an error or a formula without "
        "a value; send it in smaller pieces"
    ): (
        "в книге должно быть не больше {limit} ячеек с ошибкой или формулой без "
        "значения; пришлите по частям"
    ),
    "expected a picture of at most {limit} blocks; save it again": (
        "в файле картинки должно быть не больше {limit} блоков; сохраните её заново"
    ),
    "expected a picture with one block of Exif; save it again": (
        "в файле картинки должен быть один блок Exif; сохраните её заново"
    ),
    "expected a BMP of at most 8 MiB if it is run-length encoded; save it as PNG": (
        "BMP со сжатием RLE должен быть не больше 8 МиБ; сохраните его как PNG"
    ),
    "expected a JPEG of {number} pixels to have at most {limit} scans; save it again": (
        "в JPEG из {number} пикселей должно быть не больше {limit} проходов; сохраните его заново"
    ),
    "expected a Parquet file of at most {limit} pages and columns; send it in smaller pieces": (
        "в файле Parquet должно быть не больше {limit} страниц и столбцов; пришлите по частям"
    ),
    (
        "expected at most {limit} cells in a table with cells that are not of their column's "
        "type, got {number}; send it in smaller pieces"
    ): (
        "в таблице с ячейками не своего типа должно быть не больше {limit} ячеек, "
        "получено: {number}; пришлите по частям"
    ),
    "expected a sheet of at most {limit} rows, got {number}": (
        "на листе не больше {limit} строк, получено: {number}"
    ),
    (
        "this {name} has rows of more cells than its header, taken to be {value}; "
        "remove lines above the header"
    ): (
        "{name}: в строке больше ячеек, чем названий столбцов, которыми считаются {value}; "
        "уберите строки над названиями"
    ),
    # arrays
    (
        "expected the axes of an array without values to be {limit} at most, multiplied, "
        "got shape {value}"
    ): "оси пустого массива, перемноженные, не больше {limit}, получено: {value}",
    "expected a JSON list of numbers for an array, or of such lists of equal length": (
        "нужен список чисел или список таких списков одной длины"
    ),
    "expected the lists of an array to be of equal length and to hold numbers only": (
        "списки массива должны быть одной длины и из чисел"
    ),
    "expected numbers only in an array": "в массиве должны быть только числа",
    "expected numbers, got {value}": "нужны числа, получено: {value}",
    "expected numbers that fit into {value}, got {number}": (
        "нужны числа, которые умещаются в {value}, получено: {number}"
    ),
    "expected an array of shape ({value}), got {number}": (
        "нужен массив размеров ({value}), получено: {number}"
    ),
    "the array is empty; send at least one row": "массив пуст; нужна хотя бы одна строка",
    "cells that are empty or infinite: {number}": "пустых или бесконечных ячеек: {number}",
    "expected rows [[1.5, …], …], records [{value}, …] or {number}": (
        "нужны строки [[1.5, …], …], записи [{value}, …] или {number}"
    ),
    "expected a .npy file, got other data; write it with numpy.save": (
        "нужен файл .npy, записанный через numpy.save"
    ),
    "this .npy file has a header that cannot be read": (
        "не удаётся прочитать начало этого файла .npy"
    ),
    "this .npy file is longer or shorter than its header declares": (
        "этот файл .npy не той длины, что в его начале"
    ),
    # arguments
    "missing": "не задано",
    "expected a {kind}": "нужно значение",
    "duplicate argument: {names}; send one value": "задано дважды: {names}; пришлите одно значение",
    "duplicate argument": "задано дважды",
    "unknown argument": "нет такого поля",
    "column {name} decides which version responds: expected one value in all rows of a request, "
    "got {count}; send one request for each value": (
        "по столбцу {name} выбирается версия модели: нужно одно значение во всех строках запроса,"
        " пришло {count}; пришлите по запросу на каждое значение"
    ),
    "the request has no body; {_}": "запрос пуст",
}
