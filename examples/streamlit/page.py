"""A page in ten lines: streamlit run page.py."""

import os

import streamlit as st
from client import Client, InvalidValue

st.title("Wine cultivars")
service = Client(os.environ.get("MODEL_SERVICE", "http://127.0.0.1:8000"))
if file := st.file_uploader("Excel or CSV file", ["xlsx", "xls", "ods", "csv"]):
    try:
        table = service.score(file)
        st.dataframe(table)
        st.download_button("Download", table.to_csv(index=False), "predictions.csv")
    except InvalidValue as error:
        st.error(error.detail)
        st.table(error.errors)
