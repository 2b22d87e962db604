# Predicts every file in incoming/ that has no predictions yet. Ends with 1 if there are invalid
# rows, which are in predictions/NAME-bad.csv, and with 2 if a file could not be predicted.
mkdir -p predictions
worst=0
for file in incoming/*.csv; do
    [ -e "$file" ] || continue # none
    name=predictions/$(basename "$file" .csv)
    [ -e "$name.csv" ] && continue
    # A file appears when it is complete. What a power failure has left of one is continued.
    .venv/bin/mmfmeta predict score -i "$file" -o "$name.csv" \
        --errors "$name-bad.csv" --resume
    code=$?
    [ "$code" -gt "$worst" ] && worst=$code
done
exit "$worst"
