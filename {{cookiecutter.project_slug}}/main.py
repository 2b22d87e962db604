"""The targets of this service: the only file you must edit. README.md shows what it can say."""

import mmf_core as mmf

model = mmf.fast_path(
    mmf.artifact(
        "{{ cookiecutter.__model_file }}",
        description="scaler and logistic regression, by train.py",
    ).load()
)

# One wine of each cultivar, for the page, the API's description and the tests.
EXAMPLES = [
    [14.23, 1.71, 2.43, 15.6, 127.0, 2.80, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065.0],
    [12.33, 1.10, 2.28, 16.0, 101.0, 2.05, 1.09, 0.63, 0.41, 3.27, 1.25, 1.67, 680.0],
    [13.50, 3.12, 2.62, 24.0, 123.0, 1.40, 1.57, 0.22, 1.25, 8.60, 0.59, 1.30, 500.0],
]
COLUMNS = model.feature_names_in_.tolist()
WINES = mmf.DataFrame(
    description="thirteen measurements, one wine per row",
    schema=dict.fromkeys(COLUMNS, float),
    extra="keep",  # other columns, such as an id, come back beside the prediction
    example=[dict(zip(COLUMNS, wine, strict=True)) for wine in EXAMPLES],
)


# batch=True: requests that arrive together share a call, as each row is predicted independently.
@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX), batch=True)
def score(data=WINES):
    """Predict the cultivar of each wine in a table."""
    return model.predict(data)


@mmf.target(returns=mmf.Dict(format=mmf.JSON))
def explain(
    wine=mmf.Dict(
        description="thirteen measurements of one wine",
        example=dict(zip(COLUMNS, EXAMPLES[0], strict=True)),
    ),
):
    """Predict the cultivar of one wine, with the probability of each."""
    (probabilities,) = model.predict_proba(WINES.validate([wine]))
    return {
        "cultivar": model.classes_[probabilities.argmax()],
        "probabilities": dict(zip(model.classes_, probabilities.round(4), strict=True)),
    }


@mmf.target(returns=mmf.String())
def colour(
    photo=mmf.Img(format="rgb", description="a picture of a glass"),
    notation=mmf.String(default="hex", description="how to write the colour: hex or rgb"),
):
    """Return the mean colour of a picture."""
    red, green, blue = photo.mean(axis=(0, 1)).round().astype(int).tolist()
    match notation:
        case "hex":
            return f"#{red:02x}{green:02x}{blue:02x}"
        case "rgb":
            return f"rgb({red}, {green}, {blue})"
    raise mmf.InvalidValue(
        "notation is hex or rgb", [mmf.ErrorDetail("send hex or rgb", where="notation")]
    )


# It runs as a task: by `mmfmeta retrain retrain`, or by requests with MMF_RETRAIN_HTTP=1.
@mmf.target(returns=mmf.ModelFile("{{ cookiecutter.__model_file }}", metric="accuracy"))
def retrain(
    data=mmf.DataFrame(
        default=None,
        description="wines with their cultivars; without any, those of train.py",
        schema={**dict.fromkeys(COLUMNS, float), "cultivar": str},
    ),
):
    """Train the next model, which is served from then on unless it is less accurate."""
    import train  # not at the top: nothing else needs it

    return train.fit(train.read_wines() if data is None else data)
