"""The targets of this service: the only file you must edit. README.md shows what it can say."""

import mmf_core as mmf

model = mmf.artifact(
    "{{ cookiecutter.__model_file }}",
    description="scaler and logistic regression, by train.py",
).load()

WINES = mmf.DataFrame(
    description="thirteen measurements, one wine per row",
    schema=dict.fromkeys(model.feature_names_in_.tolist(), float),
)


# batch=True: requests that arrive together share a call, as each row is predicted independently.
@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX), batch=True)
def score(data=WINES):
    """Predict the cultivar of each wine in a table."""
    return model.predict(data)


@mmf.target(returns=mmf.Dict(format=mmf.JSON))
def explain(wine=mmf.Dict(description="thirteen measurements of one wine")):
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
