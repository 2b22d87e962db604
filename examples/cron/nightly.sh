# Predicts every .csv in incoming/ that has no predictions yet. What has failed is printed, for
# cron's mail. Ends with 1 if there are invalid rows, which are in rejected/, with their messages,
# and with 2 if a file could not be predicted.
mkdir -p predictions rejected
worst=0
for file in incoming/*.csv; do
    [ -e "$file" ] || continue # none
    name=$(basename "$file")
    [ -e "predictions/$name" ] && continue
    # A file appears when it is complete. What a power failure has left of one is continued.
    report=$(.venv/bin/mmfmeta predict score -i "$file" -o "predictions/$name" \
        --errors "rejected/$name" --resume 2>&1)
    code=$?
    printf '%s: %s\n' "$file" "$report" >>nightly.log
    [ "$code" -eq 0 ] || printf '%s: %s\n' "$file" "$report"
    [ "$code" -gt "$worst" ] && worst=$code
done
exit "$worst"
