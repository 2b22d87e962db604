/* What callgrind counts of a Python process: everything, or only one part of its code.

Evaluating each Python frame goes through `evaluate` (PEP 523) while parts are counted. Code that
belongs to the part switches callgrind's collection on, other code that it calls switches it off. */

#include <Python.h>
#include <valgrind/callgrind.h>
#if PY_VERSION_HEX < 0x030C0000
#define Py_BUILD_CORE
#include <internal/pycore_frame.h>
#define CODE(frame) ((PyObject *)(frame)->f_code)
#else
#define CODE(frame) PyUnstable_InterpreterFrame_GetCode(frame)
#endif

#define SLOTS (1 << 16)
static struct { PyObject *code; int part; } known[SLOTS];
static int current, counted = -1, inside;
static PyObject *classify; /* a code object -> the number of its part; 0: that of the caller */

static int part_of(struct _PyInterpreterFrame *frame) {
    PyObject *code = CODE(frame); /* never released: the table holds it */
    size_t slot = ((size_t)code >> 5) % SLOTS;
    while (known[slot].code != code) {
        if (known[slot].code == NULL) {
            inside = 1;
            PyObject *part = PyObject_CallOneArg(classify, code);
            inside = 0;
            Py_INCREF(code);
            known[slot].code = code;
            known[slot].part = part == NULL ? 0 : (int)PyLong_AsLong(part);
            Py_XDECREF(part);
            break;
        }
        slot = (slot + 1) % SLOTS;
    }
    return known[slot].part;
}

static PyObject *evaluate(PyThreadState *state, struct _PyInterpreterFrame *frame, int throws) {
    if (inside) return _PyEval_EvalFrameDefault(state, frame, throws);
    int before = current, part = part_of(frame);
    if (part == 0) part = before;
    int switches = part != before && (part == counted || before == counted);
    current = part;
    if (switches) CALLGRIND_TOGGLE_COLLECT;
    PyObject *result = _PyEval_EvalFrameDefault(state, frame, throws);
    if (switches) CALLGRIND_TOGGLE_COLLECT;
    current = before;
    return result;
}

/* Send every frame through `evaluate`; with None, no longer. */
void hook(PyObject *function) {
    classify = function;
    _PyInterpreterState_SetEvalFrameFunc(
        PyInterpreterState_Get(), function == Py_None ? _PyEval_EvalFrameDefault : evaluate);
}

/* Count a part from now on, or with 0 everything. */
void start(int part) {
    counted = part;
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    if (part == 0 || part == current) CALLGRIND_TOGGLE_COLLECT;
}

/* Write what has been counted to a file that bears this name. */
void stop(const char *name) {
    if (counted == 0 || counted == current) CALLGRIND_TOGGLE_COLLECT;
    counted = -1;
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
}
